"""The peers that bridge is measured against, and minimal stand-ins for the services around it."""
