//! `lifeboat delete`: what it asks, whom it asks, and what it does not delete by the way.

use crate::asked::in_one_line;
use crate::harness::{Ended, alike, lifeboat};

const SAFETY: [&str; 3] = ["delete", "acme/live", "safety"];

/// Deletes nothing that undo goes back to.
const OTHER: [&str; 3] = ["delete", "acme/live", "upgrade"];

fn deleted(ended: &Ended) -> bool {
    ended
        .calls
        .iter()
        .any(|call| call.starts_with("delete acme/live "))
}

alike!(what_undo_goes_back_to_is_deleted_only_if_that_is_said);
fn what_undo_goes_back_to_is_deleted_only_if_that_is_said() {
    let refused = lifeboat(&SAFETY).ends();
    assert_eq!(refused.code, 3, "{}", refused.transcript());
    assert!(!deleted(&refused));
    let said = in_one_line(&refused.err);
    assert!(said.contains("is not deleted. Undo goes back to it: "), "{said}");
    assert!(said.contains("cannot be undone afterwards"), "{said}");
    assert!(said.contains("--yes"), "{said}");
    let json = lifeboat(&["--json", "delete", "acme/live", "safety"]).ends();
    assert_eq!((json.code, deleted(&json)), (3, false), "{}", json.transcript());

    let meant = lifeboat(&["delete", "acme/live", "safety", "--yes"]).ends();
    assert_eq!((meant.code, deleted(&meant)), (0, true), "{}", meant.transcript());
    let other = lifeboat(&OTHER).ends();
    assert_eq!((other.code, deleted(&other)), (0, true), "{}", other.transcript());
}

alike!(on_a_terminal_somebody_is_asked);
fn on_a_terminal_somebody_is_asked() {
    for (typed, code) in [
        ("yes\n", 0),
        ("y\n", 0),
        ("no\n", 3),
        ("\n", 3),
        ("acme/live\n", 3),
        ("", 3),
    ] {
        for arguments in [&SAFETY, &OTHER] {
            let ended = lifeboat(arguments).typing(typed).on_a_terminal(100).ends();
            assert_eq!(ended.code, code, "{typed:?}: {}", ended.transcript());
            assert_eq!(deleted(&ended), code == 0, "{typed:?}");
            assert!(ended.err.contains("Delete it?"), "{}", ended.err);
        }
    }
    let meant = lifeboat(&["delete", "acme/live", "safety", "--yes"])
        .on_a_terminal(100)
        .ends();
    assert!(
        deleted(&meant) && !meant.err.contains("Delete it?"),
        "{}",
        meant.err
    );
}
