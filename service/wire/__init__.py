"""The MQTT edge: topics, payload codecs, the client, and who may connect."""
