"""The API, as Flowdock documented its own: it reads requests and answers. Stores lie beside this folder."""
