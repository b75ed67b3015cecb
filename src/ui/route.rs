//! Which page a path names, so that the browser's back works and a conversation has a URL.

use b4_protocol::identity::UserId;

/// A place in the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/`: the list.
    Chats,
    /// `/chat/NAME`
    Chat(UserId),
    /// `/you`
    You,
    /// `/network`
    Network,
}

impl Route {
    /// Reads a path. One that names nothing is the list.
    pub fn of_path(path: &str) -> Self {
        match (path.strip_prefix("/chat/").map(|name| name.trim_end_matches('/')), path.trim_end_matches('/')) {
            (Some(name), _) => UserId::parse(name).map_or(Self::Chats, Self::Chat),
            (None, "/you") => Self::You,
            (None, "/network") => Self::Network,
            (None, _) => Self::Chats,
        }
    }

    /// The path. User ids have no character that would need escaping.
    pub fn path(&self) -> String {
        match self {
            Self::Chats => "/".to_owned(),
            Self::Chat(user) => format!("/chat/{user}"),
            Self::You => "/you".to_owned(),
            Self::Network => "/network".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_places_are_the_same() {
        let anna = Route::Chat(UserId::parse("anna").expect("a name"));
        for (route, path) in [(Route::Chats, "/"), (anna, "/chat/anna"), (Route::You, "/you"), (Route::Network, "/network")] {
            assert_eq!(route.path(), path);
            assert_eq!(Route::of_path(path), route);
        }
        for path in ["/chat/", "/chat/<script>", "/nothing", ""] {
            assert_eq!(Route::of_path(path), Route::Chats);
        }
    }
}
