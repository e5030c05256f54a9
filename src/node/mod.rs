//! Nodes: the datapath (`forward`), the router around it, and hosts.
