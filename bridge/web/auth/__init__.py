"""Sign-in, sessions, linking an account, and who may see what. No pages but their own steps."""
