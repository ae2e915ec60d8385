"""The pages for developers: requests, faults, time, data, and the API itself."""
