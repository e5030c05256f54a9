//! What carries the control packets of one router: neighbours, the packets of BFD, the TCP of BGP sessions. It knows no
//! port and no tag: whoever owns the port adds them.

pub mod neighbor;
pub mod packet;
pub mod tcp;
