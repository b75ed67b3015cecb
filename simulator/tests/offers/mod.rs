//! What tests of files share: two contacts, and the newest file between them.

use b4_protocol::chat::MessageId;
use b4_protocol::node::{Command, FileOrder, FileState, FileView, Standing};
use b4_simulator::{NodeIndex, World};

/// Each adds the other.
pub fn befriend(world: &mut World, one: NodeIndex, other: NodeIndex) {
    for (from, to) in [(one, other), (other, one)] {
        let typed = world.user(to).to_string();
        world.command(from, Command::AddContact { typed });
        let user = world.user(to);
        assert!(world.run_until(10_000, |world| world.seen(from).contacts.get(&user).is_some_and(|contact| contact.standing == Standing::Accepted)));
    }
}

/// The newest file between two, as `at` sees it.
pub fn newest(world: &World, at: NodeIndex, with: NodeIndex) -> Option<(MessageId, FileView)> {
    world.seen(at).files(&world.user(with)).pop()
}

/// Its state.
pub fn state(world: &World, at: NodeIndex, with: NodeIndex) -> Option<FileState> {
    newest(world, at, with).map(|(_, file)| file.progress.state)
}

/// The person at `at` wants something with it.
pub fn order(world: &mut World, at: NodeIndex, with: NodeIndex, order: FileOrder) {
    let (id, _) = newest(world, at, with).expect("there is a file");
    let with = world.user(with);
    world.command(at, Command::File { with, id, order });
}

/// The page is opened anew and the conversation looked at.
pub fn open_again(world: &mut World, node: NodeIndex, with: NodeIndex) {
    world.start(node);
    let user = world.user(with);
    world.command(node, Command::LoadMessages { with: user, before: None });
}
