"""What bridge is measured against, and what stands in for the services around it: as little as will do."""
