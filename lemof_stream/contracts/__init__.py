"""What crosses a topic: messages, channels with codes and units, and the topic catalogue."""
