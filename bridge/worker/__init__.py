"""From a delivery in the inbox to a posted message. Nothing here answers HTTP."""
