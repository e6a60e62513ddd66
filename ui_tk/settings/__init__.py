"""The windows that are opened seldom: settings, contacts, keys. Loaded only then."""
