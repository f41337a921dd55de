"""The servers that the stack runs itself: configuration, preparation, command line.

`python -m cloud.stack.servers.<name> --data DIR` prepares and then becomes the server, so that
whoever supervises it restarts it whole, even after its folder was deleted.
"""
