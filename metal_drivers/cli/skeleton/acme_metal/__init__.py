"""The driver acme for watcher-metal-drivers."""
