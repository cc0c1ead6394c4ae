"""The tests of the driver acme."""
