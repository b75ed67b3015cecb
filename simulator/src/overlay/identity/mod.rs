//! Who the nodes of a large world are to one another: with certificates and handshakes, or on their bare word.
//!
//! Both providers give a node the same place, and neither draws from the world's randomness, so that a world takes the same course with
//! either, as long as nobody is refused. Deliberately absent: what is refused beside identity (the network, in `links`).

#[cfg(not(target_arch = "wasm32"))]
mod certified;
#[cfg(not(target_arch = "wasm32"))]
mod pool;

use b4_protocol::ring::RingId;

use super::NodeIndex;

#[cfg(not(target_arch = "wasm32"))]
pub use pool::NODES_MAX as CERTIFIED_NODES_MAX;

/// How the nodes of a world know each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// On their word: a node is whoever it says. Costs nothing; for worlds too large for keys, and for the browser, which has none of these.
    Word,
    /// Each place comes from a certificate, and a link opens only after the core's handshake. For [`CERTIFIED_NODES_MAX`] nodes at once.
    #[cfg(not(target_arch = "wasm32"))]
    Certificates,
}

/// What is wrong with a node's credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Its certificate is of an authority that nobody trusts, which has the trusted one's name.
    OtherAuthority,
    /// Its certificate has expired.
    Expired,
    /// Its certificate is good, but it has not got the keys to it.
    OtherKeys,
    /// Its certificate is good and so are its keys, but the certificate gives it another place.
    OtherPlace,
}

/// Two nodes did not prove to each other who they are. Whether the one that was dialled answered before that showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unproven {
    pub was_answered: bool,
}

/// An end of a link that is to open: which node, and where it says it stands.
pub(super) type Claimed = (NodeIndex, RingId);

/// Gives nodes their places, and says whom to believe.
pub(super) trait Identities {
    /// A node starts, new at the place that was drawn for it or back at its own: where it stands.
    fn enrol(&mut self, node: NodeIndex, place: RingId, flaw: Option<Flaw>, now_ms: u64) -> RingId;

    /// Two nodes prove to each other who they are.
    fn meet(&mut self, dialler: Claimed, dialled: Claimed, now_ms: u64) -> Result<(), Unproven>;
}

impl Trust {
    /// The provider, in the world of `seed`.
    pub(super) fn identities(self, seed: u64) -> Box<dyn Identities> {
        match self {
            Self::Word => {
                let _ = seed;
                Box::new(Word)
            }
            #[cfg(not(target_arch = "wasm32"))]
            Self::Certificates => Box::new(certified::Certified::new(seed)),
        }
    }
}

/// The cheap provider: whoever says where it stands is believed.
struct Word;

impl Identities for Word {
    fn enrol(&mut self, _: NodeIndex, place: RingId, _: Option<Flaw>, _: u64) -> RingId {
        place
    }

    fn meet(&mut self, _: Claimed, _: Claimed, _: u64) -> Result<(), Unproven> {
        Ok(())
    }
}
