"""Several servers over one store behave as one."""
