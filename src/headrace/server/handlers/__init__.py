"""The handlers of the routes: decode the request, call the store, build the answer."""
