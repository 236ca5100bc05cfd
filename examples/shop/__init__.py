"""A shop with a chat in the browser: `make demo` serves it on two workers with a Valkey of its own."""
