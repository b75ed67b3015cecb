//! Shelves: what lies there is cleared by whoever can show what the place is the hash of.

use super::{Class, Holder, HolderOrder, deletions};
use crate::mailbox::{EnvelopeId, Mailbox};

impl Holder {
    /// Nothing on this shelf is wanted any more.
    pub fn clear_shelf(&mut self, shelf: &Mailbox, out: &mut Vec<HolderOrder>) {
        let Some(items) = self.boxes.get_mut(shelf) else { return };
        let gone: Vec<EnvelopeId> = items.iter().filter(|(_, item)| item.class() == Class::Blob).map(|(id, _)| *id).collect();
        if gone.is_empty() {
            return;
        }
        gone.iter().for_each(|id| drop(items.remove(id)));
        out.push(HolderOrder::Write(gone.into_iter().flat_map(|id| deletions(shelf, id)).collect()));
    }
}
