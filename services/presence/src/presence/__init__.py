"""Who is here: leases in, transitions and answers out."""
