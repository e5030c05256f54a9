//! What carries the control packets of one router: neighbours and the packets of BFD so far. It knows no port and no
//! tag: whoever owns the port adds them.

pub mod neighbor;
pub mod packet;
