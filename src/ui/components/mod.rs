//! Components: each shows one thing and says what was done to it.

mod add_contact;
mod announcer;
mod back;
mod banners;
mod bubble;
mod composer;
mod contact_list;
mod conversation;
mod copy_link;
mod holding;
mod icon;
mod mark;
mod message_details;
mod messages;
mod name_form;
mod network;
mod peer_panel;
mod restore;
mod sign;
mod stranger;
mod toasts;

pub use add_contact::AddContact;
pub use announcer::announcer;
pub use back::back;
pub use banners::banners;
pub use contact_list::contact_list;
pub use conversation::Conversation;
pub use copy_link::{copy_link, my_link};
pub use holding::holding;
pub use icon::{IconName, icon};
pub use name_form::NameForm;
pub use network::{link_table, network_badge, numbers, picture};
pub use restore::restore;
pub use sign::sign;
pub use stranger::stranger;
pub use toasts::toasts;
