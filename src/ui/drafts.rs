//! Texts that were begun and not sent, and those that came back; which troubles with files were read.

use b4_protocol::identity::UserId;

use super::{Keep, Recall};

/// The drafts of all conversations. The browser keeps them: they outlive the conversation on the screen, and the page.
pub struct Drafts {
    recall: Recall,
    keep: Keep,
    /// The last returned text that was put back.
    returned: Option<u32>,
    /// Troubles with files that were read.
    dismissed: Vec<u32>,
}

impl PartialEq for Drafts {
    /// A screen has one.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Drafts {
    /// Those that the browser keeps.
    pub fn new(recall: Recall, keep: Keep) -> Self {
        Self { recall, keep, returned: None, dismissed: Vec::new() }
    }

    /// What was begun for `to`, or nothing.
    pub fn text(&self, to: &UserId) -> String {
        (self.recall)(to.as_str())
    }

    /// Keeps what was begun.
    pub fn keep(&self, to: &UserId, text: &str) {
        (self.keep)(to.as_str(), text);
    }

    /// Puts a text back that was not taken, before what was begun meanwhile. False when it was put back before.
    pub fn put_back(&mut self, number: u32, to: &UserId, text: &str) -> bool {
        if self.returned >= Some(number) {
            return false;
        }
        self.returned = Some(number);
        let begun = self.text(to);
        let whole = if begun.is_empty() || begun == text { text.to_owned() } else { format!("{text}\n{begun}") };
        self.keep(to, &whole);
        true
    }

    /// A trouble with a file was read: it is not to be shown again.
    pub fn dismiss(&mut self, trouble: u32) {
        self.dismissed.push(trouble);
    }

    /// Whether it was read.
    pub fn is_dismissed(&self, trouble: u32) -> bool {
        self.dismissed.contains(&trouble)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use b4_protocol::ordered::OrderedMap;

    use super::*;

    #[test]
    fn a_returned_text_is_put_back_once_and_takes_nothing_away() {
        let anna = UserId::parse("anna").expect("a name");
        let kept = Rc::new(RefCell::new(OrderedMap::<String, String>::new()));
        let recall = Rc::clone(&kept);
        let mut drafts = Drafts::new(
            Rc::new(move |to| recall.borrow().get(to).cloned().unwrap_or_default()),
            Rc::new(move |to, text| drop(kept.borrow_mut().insert(to.to_owned(), text.to_owned()))),
        );
        assert!(drafts.put_back(0, &anna, "first"));
        assert_eq!(drafts.text(&anna), "first");
        drafts.keep(&anna, "");
        assert!(!drafts.put_back(0, &anna, "first"));
        assert_eq!(drafts.text(&anna), "");
        drafts.keep(&anna, "begun");
        assert!(drafts.put_back(1, &anna, "second"));
        assert_eq!(drafts.text(&anna), "second\nbegun");
    }
}
