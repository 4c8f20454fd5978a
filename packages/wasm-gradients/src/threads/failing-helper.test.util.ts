// A helper thread that does not start.
throw new Error('no memory');
