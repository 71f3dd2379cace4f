//! The list of faults.

use crate::Fallible;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A fault.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Its name.
    pub name: String,
    /// What an attacker would gain, or what would be lost.
    pub what: String,
    /// The test that is to notice it: `target::module::test`.
    pub test: String,
    /// The source file, from the root of the repository.
    pub file: String,
    /// What stands there, exactly once.
    pub from: String,
    /// What stands there instead.
    pub to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    fault: Vec<Fault>,
}

/// The faults of the list, or those of them that `asked` names. Each is checked against
/// the sources before anything is built.
pub fn read(root: &Path, asked: &[String]) -> Fallible<Vec<Fault>> {
    let file = root.join("tests/faults/faults.toml");
    let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let list: List =
        toml::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut names = BTreeSet::new();
    for fault in &list.fault {
        if !names.insert(&fault.name) {
            return Err(format!("two faults are called {}", fault.name));
        }
        fault.put_into(&root.join(&fault.file))?;
        fault.is_to_be_noticed(root)?;
    }
    if let Some(unknown) = asked.iter().find(|name| !names.contains(name)) {
        return Err(format!("there is no fault {unknown} in {}", file.display()));
    }
    let wanted = |fault: &Fault| asked.is_empty() || asked.contains(&fault.name);
    Ok(list.fault.into_iter().filter(wanted).collect())
}

impl Fault {
    /// Whether the test that is to notice it exists.
    fn is_to_be_noticed(&self, root: &Path) -> Fallible<()> {
        let mut names = self.test.split("::");
        let (Some(target), Some(module), Some(test), None) =
            (names.next(), names.next(), names.next(), names.next())
        else {
            return Err(format!("{}: {} is no test", self.name, self.test));
        };
        let file = root.join(format!("tests/tests/{target}/{module}.rs"));
        let text = fs::read_to_string(&file).unwrap_or_default();
        if text.contains(&format!("\n#[test]\nfn {test}(")) {
            Ok(())
        } else {
            Err(format!("{}: there is no test {}", self.name, self.test))
        }
    }

    /// The content of the source file with the fault in it.
    pub fn put_into(&self, file: &Path) -> Fallible<String> {
        let Self { name, from, to, .. } = self;
        let text =
            fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        match text.matches(from.as_str()).count() {
            1 if from != to => Ok(text.replacen(from.as_str(), to, 1)),
            1 => Err(format!("{name} changes nothing")),
            count => Err(format!(
                "{name}: its text is {count} times in {}, and must be there once",
                file.display()
            )),
        }
    }
}
