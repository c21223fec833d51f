"""What outlives the server, where a state folder is named: values and bytes, on disk."""
