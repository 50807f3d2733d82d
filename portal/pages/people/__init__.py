"""Who I am here: accounts, links, sessions, inbox, what is recorded about me."""
