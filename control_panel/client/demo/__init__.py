"""A panel without any server: recorded readings and answers in the place of API, broker and ports.

`session` is what the panel opens instead of a server's. Everything else is as ever: what is
recorded goes through the same decoding, models and views.
"""
