"""`fieldline doctor`: examines every hop of a stack, and sends a reading through all of them."""
