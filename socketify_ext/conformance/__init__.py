"""The conformance check: every member of an extension, run in every place where an app may call it."""
