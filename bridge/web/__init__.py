"""Everything that answers HTTP. It asks services and below, and keeps no state in the process."""
