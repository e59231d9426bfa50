"""What bridge is made of: which packages, and what is known against them."""
