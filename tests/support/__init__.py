"""What tests share: servers, endpoints, clients and data, each real, and each made for one subject."""
