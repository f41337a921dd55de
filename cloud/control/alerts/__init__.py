"""Alert rules, what fires, who has seen it, and whom it is told to."""
