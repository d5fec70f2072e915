//! The rooms of `src/` depend on one another in one direction, and no files import one another in a circle.
//!
//! Each path outside of `mod tests` that begins with `crate`, `super` or a module declared in the file is an arrow from its file
//! to the file that it leads to; a name that a `mod.rs` re-exports leads to the file that defines it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, the lowest first; those of one layer do not know one another.
const LAYERS: [&[&str]; 8] = [
    &["support"],
    &["image", "csv"],
    &["thinning", "graph", "gray", "radius"],
    &["branches", "centreline", "pruning"],
    &["cells", "chunk_graph", "network"],
    &["labels"],
    &["python"],
    &["lib"],
];

/// Every file of product code: its path of modules, and its text without its tests.
fn files() -> BTreeMap<Vec<String>, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut files) = (vec![root.clone()], BTreeMap::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("src is a folder") {
            let path: PathBuf = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name != "tests.rs") {
                let inner = path.strip_prefix(&root).expect("it lies in src").with_extension("");
                let mut module: Vec<String> =
                    inner.iter().map(|part| part.to_str().expect("names are ASCII").to_owned()).collect();
                module.pop_if(|name| name == "mod");
                let text = fs::read_to_string(&path).expect("it can be read");
                let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                let code = product.lines().filter(|line| !line.trim_start().starts_with("//"));
                files.insert(module, code.collect::<Vec<_>>().join("\n"));
            }
        }
    }
    files
}

/// The paths in the text of a module, from the root of the crate, those in braces one by one.
fn paths(module: &[String], text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::").filter(|(at, _)| !text[..*at].ends_with("(in ")) {
        expand(&mut text[at + 7..].chars().peekable(), &[], &mut found);
    }
    for (at, _) in text.match_indices("super::").filter(|(at, _)| !text[..*at].ends_with("super::")) {
        let inner = text[at..].trim_start_matches("super::");
        let levels = (text.len() - at - inner.len()) / "super::".len();
        let parent = &module[..module.len().saturating_sub(levels)];
        if !parent.is_empty() {
            expand(&mut inner.chars().peekable(), parent, &mut found);
        }
    }
    let lines: Vec<&str> = text.lines().filter(|line| !line.contains("pub use ")).collect();
    let uses = lines.join("\n");
    let children = text.lines().filter_map(|line| line.rsplit_once("mod ")?.1.strip_suffix(';'));
    for child in children {
        for (at, _) in uses.match_indices(&format!("{child}::")) {
            let before = uses[..at].trim_end_matches("self::").chars().next_back();
            if before.is_some_and(|before| !before.is_alphanumeric() && before != '_' && before != ':') {
                expand(&mut uses[at..].chars().peekable(), module, &mut found);
            }
        }
    }
    found
}

fn expand(text: &mut std::iter::Peekable<std::str::Chars<'_>>, prefix: &[String], found: &mut Vec<Vec<String>>) {
    let mut path = prefix.to_vec();
    loop {
        let mut name = String::new();
        while let Some(next) = text.next_if(|next| next.is_alphanumeric() || *next == '_') {
            name.push(next);
        }
        if name.is_empty() {
            break;
        }
        path.push(name);
        if text.next_if_eq(&':').is_none() || text.next_if_eq(&':').is_none() {
            break;
        }
    }
    if text.next_if_eq(&'{').is_none() {
        found.push(path);
        return;
    }
    while text.peek().is_some_and(|&next| next != '}') {
        if text.next_if(|next| next.is_whitespace() || *next == ',').is_none() {
            let before = found.len();
            expand(text, &path, found);
            assert!(found.len() > before, "a path in braces after {path:?}");
        }
    }
    text.next();
}

/// The file that a path leads to.
fn target(path: &[String], files: &BTreeMap<Vec<String>, String>) -> Option<Vec<String>> {
    let module = (1..=path.len()).rev().map(|length| &path[..length]).find(|module| files.contains_key(*module))?;
    let Some(name) = path.get(module.len()) else { return Some(module.to_vec()) };
    for line in files[module].lines().filter(|line| line.contains("pub use ")) {
        let (_, exported) = line.split_once("pub use ")?;
        let names: Vec<&str> = exported.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let own = [module, &[names[0].to_owned()]].concat();
        if names[1..].contains(&name.as_str()) && files.contains_key(&own) {
            return Some(own);
        }
    }
    Some(module.to_vec())
}

/// From each file to those that it imports.
fn arrows() -> BTreeMap<Vec<String>, BTreeSet<Vec<String>>> {
    let files = files();
    let arrows_of = |module: &Vec<String>, text: &str| {
        let targets = paths(module, text)
            .into_iter()
            .filter_map(|path| target(&path, &files).or_else(|| Some(path[..1].to_vec())));
        targets.filter(|target| target != module).collect()
    };
    files.iter().map(|(module, text)| (module.clone(), arrows_of(module, text))).collect()
}

#[test]
fn no_room_imports_one_beside_or_above_it() {
    let layer = |module: &[String]| LAYERS.iter().position(|rooms| rooms.contains(&module[0].as_str()));
    let mut wrong = Vec::new();
    for (from, targets) in arrows() {
        let Some(own) = layer(&from) else { panic!("src/{} is in no layer: add it to LAYERS", from[0]) };
        for to in targets.iter().filter(|to| to[0] != from[0]) {
            if layer(to).is_none_or(|other| other >= own) {
                wrong.push(format!("{} imports {}", from.join("::"), to.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "imports that do not lead to a lower layer:\n{}", wrong.join("\n"));
}

#[test]
fn no_files_import_one_another_in_a_circle() {
    let mut arrows = arrows();
    // Files that import none of those left are no part of a circle.
    loop {
        let left: BTreeSet<_> = arrows.keys().cloned().collect();
        let before = arrows.len();
        arrows.retain(|_, targets| targets.iter().any(|target| left.contains(target)));
        if arrows.len() == before {
            break;
        }
    }
    let Some(first) = arrows.keys().next() else { return };
    let (mut circle, mut at) = (Vec::new(), first.clone());
    while !circle.contains(&at) {
        circle.push(at.clone());
        at = arrows[&at].iter().find(|target| arrows.contains_key(*target)).expect("it imports one of them").clone();
    }
    let start = circle.iter().position(|module| *module == at).expect("it is there");
    circle.push(at);
    let names: Vec<String> = circle[start..].iter().map(|module| module.join("::")).collect();
    panic!("files that import one another in a circle:\n{}", names.join("\n  imports "));
}
