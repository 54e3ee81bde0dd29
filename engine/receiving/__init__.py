"""The webhook receiver's parts: connections, requests, the durable answer, health."""
