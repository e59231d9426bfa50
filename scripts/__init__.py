"""Commands of the house: demo, test, bench, lock; and the stand-ins."""
