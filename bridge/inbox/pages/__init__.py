"""Pages of the inbox and their forms. Each works without JavaScript. Stores lie beside this folder."""
