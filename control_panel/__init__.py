"""The desktop application: what a person sees of devices and pipeline, and tells them."""
