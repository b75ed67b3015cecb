//! Texts that were begun and not sent, and those that came back.

use b4_protocol::identity::UserId;
use b4_protocol::ordered::OrderedMap;

/// The drafts of all conversations; they outlive the conversation on the screen.
#[derive(Debug, Default, PartialEq)]
pub struct Drafts {
    texts: OrderedMap<UserId, String>,
    /// The last returned text that was put back.
    returned: Option<u32>,
}

impl Drafts {
    /// What was begun for `to`, or nothing.
    pub fn text(&self, to: &UserId) -> String {
        self.texts.get(to).cloned().unwrap_or_default()
    }

    /// Keeps what was begun.
    pub fn keep(&mut self, to: &UserId, text: String) {
        if text.is_empty() {
            self.texts.remove(to);
        } else {
            self.texts.insert(to.clone(), text);
        }
    }

    /// Puts a text back that was not taken, before what was begun meanwhile. False when it was put back before.
    pub fn put_back(&mut self, number: u32, to: &UserId, text: &str) -> bool {
        if self.returned >= Some(number) {
            return false;
        }
        self.returned = Some(number);
        let begun = self.text(to);
        let whole = if begun.is_empty() || begun == text { text.to_owned() } else { format!("{text}\n{begun}") };
        self.keep(to, whole);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_returned_text_is_put_back_once_and_takes_nothing_away() {
        let anna = UserId::parse("anna").expect("a name");
        let mut drafts = Drafts::default();
        assert!(drafts.put_back(0, &anna, "first"));
        assert_eq!(drafts.text(&anna), "first");
        drafts.keep(&anna, String::new());
        assert!(!drafts.put_back(0, &anna, "first"));
        assert_eq!(drafts.text(&anna), "");
        drafts.keep(&anna, "begun".to_owned());
        assert!(drafts.put_back(1, &anna, "second"));
        assert_eq!(drafts.text(&anna), "second\nbegun");
    }
}
