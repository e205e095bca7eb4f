//! What is said of a demo's sandbox once the demo is left. Not in here: who removes it, which is the demo when it ends.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use crate::cli::Outside;
use crate::cli::wrap::wrap;
use crate::demo::Demo;
use crate::domain::printable;
use crate::domain::shell::quoted;

/// Nobody wonders before.
const PATIENCE: Duration = Duration::from_secs(1);

/// Ends a demo, and says what became of its sandbox, where there is still somebody to hear it. Thousands of files go with it,
/// which takes seconds on a busy disk: that is said before it is done.
pub(super) async fn end(demo: Demo, in_lines: bool, outside: &mut Outside) {
    let (root, is_kept) = (demo.root().to_owned(), demo.is_kept());
    let _ = outside.out.flush();
    // It goes with the demo.
    let mut removal = tokio::task::spawn_blocking(move || drop(demo));
    if tokio::time::timeout(PATIENCE, &mut removal).await.is_err() {
        if !is_kept {
            say("The demo's sandbox is being removed.", outside);
        }
        // A removal that broke down shows below: the sandbox is there.
        let _ = removal.await;
    }
    let told = if is_kept {
        kept(&root, in_lines, &outside.program)
    } else {
        gone(&root, root.exists())
    };
    say(&told, outside);
}

fn say(told: &str, outside: &mut Outside) {
    for line in wrap(&printable::line(told), outside.remark_width()) {
        let _ = writeln!(outside.err, "{line}");
    }
}

fn kept(root: &Path, in_lines: bool, program: &Path) -> String {
    let place = root.display().to_string();
    format!(
        "The demo's sandbox is kept in {place}. This opens it again: {} demo {}--at {}",
        quoted(&program.display().to_string()),
        if in_lines { "--plain " } else { "" },
        quoted(&place)
    )
}

fn gone(root: &Path, is_there: bool) -> String {
    if is_there {
        format!(
            "The demo's sandbox could not be removed: delete {}",
            root.display()
        )
    } else {
        "The demo's sandbox is removed, with all that was in it.".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_leaves_a_demo_hears_where_its_sandbox_is() {
        let root = Path::new("/tmp/a demo");
        assert_eq!(
            kept(root, true, Path::new("/opt/lifeboat")),
            "The demo's sandbox is kept in /tmp/a demo. This opens it again: /opt/lifeboat demo --plain --at '/tmp/a demo'"
        );
        assert!(!kept(root, false, Path::new("/opt/lifeboat")).contains("--plain"));
        assert!(gone(root, true).ends_with("delete /tmp/a demo"));
        assert!(gone(root, false).contains("is removed"));
    }
}
