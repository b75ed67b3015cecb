//! Which crates of ours the app may be built from: the simulator, and its keys that everybody knows, are for tests alone.

use std::path::Path;

use super::Breach;

/// What only tests of the app may depend on.
const FOR_TESTS: [&str; 2] = ["b4-simulator", "b4-e2e"];

/// The breaches in the manifest of the app.
pub fn check(file: &Path, manifest: &str) -> Vec<Breach> {
    let mut section = "";
    let mut breaches = Vec::new();
    for (at, line) in manifest.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        }
        let is_of_tests = section.split('.').any(|part| part == "dev-dependencies");
        let is_dependency = !is_of_tests && section.split('.').any(|part| part.ends_with("dependencies"));
        // `name = …`, `name.workspace = …`, `other = { package = "name" }`, `[dependencies.name]`.
        let is_named = |name: &&str| line.split(|mark: char| !(mark.is_alphanumeric() || mark == '-' || mark == '_')).any(|word| word == *name);
        if let Some(name) = FOR_TESTS.iter().find(|name| is_dependency && !line.starts_with('#') && is_named(name)) {
            breaches.push(Breach::new(file, at + 1, format!("the app may depend on `{name}` for its tests alone: it belongs in dev-dependencies")));
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    fn lines(manifest: &str) -> Vec<String> {
        check(Path::new("Cargo.toml"), manifest).iter().map(|breach| breach.to_string().split(": ").next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn the_simulator_is_no_part_of_the_app_whatever_way_it_is_named() {
        assert_eq!(lines("[dependencies]\nb4-simulator.workspace = true\n"), ["Cargo.toml:2"]);
        assert_eq!(lines("[target.'cfg(unix)'.dependencies]\nworlds = { path = \"simulator\", package = \"b4-simulator\" }\n"), ["Cargo.toml:2"]);
        assert_eq!(lines("[dependencies.b4-simulator]\npath = \"simulator\"\n"), ["Cargo.toml:1"]);
        assert_eq!(lines("[build-dependencies]\n# b4-simulator\nb4-simulator = { path = \"simulator\" }\n"), ["Cargo.toml:3"]);
    }

    #[test]
    fn tests_may_and_other_sections_are_no_dependencies() {
        assert!(lines("[dev-dependencies]\nb4-simulator = { path = \"simulator\" }\n[profile.dev.package.b4-simulator]\nopt-level = 2\n").is_empty());
        let file = Workspace::find().root.join("Cargo.toml");
        let own = std::fs::read_to_string(file).expect("it is there");
        assert!(lines(&own).is_empty());
        assert_eq!(lines(&own.replace("[dev-dependencies]", "[dependencies]")).len(), 1, "it is looked at where it stands");
    }
}
