//! Components: each shows one thing and says what was done to it.

mod add_contact;
mod banners;
mod bubble;
mod composer;
mod contact_list;
mod conversation;
mod icon;
mod mark;
mod peer_panel;
mod toasts;

pub use add_contact::AddContact;
pub use banners::{Banners, NetworkBadge};
pub use contact_list::ContactList;
pub use conversation::Conversation;
pub use icon::{Icon, IconName};
pub use toasts::Toasts;
