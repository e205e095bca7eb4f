//! What was typed and chosen stays what it was, whatever comes meanwhile.

use lifeboat::domain::activity::{Notification, Severity};
use lifeboat::domain::event::Event;
use lifeboat::domain::job::JobKind;
use lifeboat::tui::key::{How, Input, Key, Pasted, Press};
use lifeboat::tui::{Care, CockpitSettings};

use crate::made_up::{self, Fixture, name, two_projects};
use crate::screens::runner::{Runner, alike, settings};
use crate::{called, cockpit, unchanged};

alike!(a_message_waits_until_a_form_is_done);
async fn a_message_waits_until_a_form_is_done() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit
        .press("bbefore the fair")
        .await
        .see("before the fair")
        .await;
    cockpit
        .send(Input::Panicked("a part has broken (part.rs:7)".to_owned()))
        .await;
    cockpit.see("more is told once this is closed").await;
    assert!(cockpit.has("before the fair") && !cockpit.has("part.rs:7"));
    cockpit.press("<Enter>").await.see("part.rs:7").await;
    assert!(called(&cockpit, "backup acme/live note=before the fair to="));
}

alike!(a_form_that_is_closed_keeps_what_was_typed);
async fn a_form_that_is_closed_keeps_what_was_typed() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit.press("bbefore the fair<Esc>").await;
    assert!(!cockpit.has("before the fair"));
    cockpit.press("b").await.see("before the fair").await;
    cockpit.press("<Enter>").await.see("has begun").await;
    assert!(called(&cockpit, "backup acme/live note=before the fair to="));
}

alike!(a_form_that_is_refused_comes_back_as_it_was);
async fn a_form_that_is_refused_comes_back_as_it_was() {
    let cockpit = cockpit((80, 24), |state| state.refuses = Some(made_up::busy())).await;
    cockpit
        .press("bbefore the fair<Enter>")
        .await
        .see("one job at a")
        .await;
    assert!(cockpit.has("before the fair"));
    cockpit.backend.state().refuses = None;
    cockpit.press("<Enter>").await.see("has begun").await;
    assert_eq!(
        cockpit
            .calls()
            .iter()
            .filter(|call| *call == "backup acme/live note=before the fair to=")
            .count(),
        2
    );
}

alike!(text_is_pasted_in_one_piece_and_up_to_a_limit);
async fn text_is_pasted_in_one_piece_and_up_to_a_limit() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit.press("bab<Left>").await;
    cockpit.paste(&"x".repeat(200_000)).await;
    cockpit.see("1,000 characters fit here").await;
    cockpit.press("<Enter>").await.see("has begun").await;
    let note = format!("a{}b", "x".repeat(998));
    assert!(called(&cockpit, &format!("backup acme/live note={note} to=")));
}

alike!(letters_that_nobody_types_are_text);
async fn letters_that_nobody_types_are_text() {
    let cockpit = cockpit((80, 24), unchanged).await;
    let text = |text: &str| {
        Input::Paste(Pasted {
            text: text.to_owned(),
            left_out: 0,
            marked: false,
        })
    };
    cockpit.send(text("Deploy done\n")).await;
    cockpit.see("faster than anybody types").await;
    cockpit.press("b").await.see("Replaces the manual backup").await;
    cockpit.send(text("after the deploy\n")).await;
    cockpit.see("press it by itself").await;
    assert!(cockpit.has("after the deploy"));
    assert!(!cockpit.calls().iter().any(|call| call.starts_with("backup")));
}

alike!(no_key_answers_what_nobody_can_see);
async fn no_key_answers_what_nobody_can_see() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit
        .press("bnote")
        .await
        .see("Replaces the manual backup")
        .await;
    cockpit.resize(60, 20).await;
    cockpit.see("Something waits for").await;
    cockpit.press("<Enter>more").await;
    cockpit.resize(80, 24).await;
    cockpit.see("Replaces the manual backup").await;
    assert!(!cockpit.has("more") && !cockpit.calls().iter().any(|call| call.starts_with("backup")));
    cockpit.press("<Enter>").await.see("has begun").await;
}

alike!(an_answer_counts_once_the_question_could_be_read_and_by_itself);
async fn an_answer_counts_once_the_question_could_be_read_and_by_itself() {
    // The clock on the wall is not waited for: what has to be read for an hour has not been read.
    let slowly = CockpitSettings {
        care: Care {
            shown_for: std::time::Duration::from_hours(1),
            ..Care::LEAST
        },
        ..settings()
    };
    let unread = Runner::start_with((80, 24), Fixture::new(), slowly).await;
    unread.see("3b90aa17").await;
    unread
        .press("Dy")
        .await
        .see("came before this could be read")
        .await;
    assert!(!unread.calls().iter().any(|call| call.starts_with("drill")));

    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit.press("D").await.see("scratch place").await;
    for how in [How::Together, How::Again] {
        cockpit
            .send(Input::Key(Press {
                how,
                ..Press::alone(Key::Char('y'))
            }))
            .await;
        cockpit.send(Input::Alt(Key::Char('b'))).await;
        cockpit.press("D").await.see("scratch place").await;
    }
    assert!(!cockpit.calls().iter().any(|call| call.starts_with("drill")));
    cockpit.press("y").await.see("has begun").await;
}

/// The line that is selected on a screen of one list.
fn selected(cockpit: &Runner) -> String {
    let text = cockpit.text();
    let line = text
        .lines()
        .find(|line| line.starts_with(" ▸"))
        .unwrap_or_default();
    line.trim().to_owned()
}

alike!(the_selection_stays_on_the_thing);
async fn the_selection_stays_on_the_thing() {
    let cockpit = cockpit((120, 36), unchanged).await;
    cockpit.press("Jjj").await.see("Asked (UTC)").await;
    let job = selected(&cockpit);
    cockpit.backend.tell(Event::Job(Box::new(two_projects::job(
        40,
        "globex/live",
        JobKind::Verify,
        "a newer job",
    ))));
    cockpit.see("a newer job").await;
    assert_eq!(selected(&cockpit), job);

    cockpit.press("<Esc>nj").await.see("Notifications").await;
    let news = selected(&cockpit);
    cockpit.backend.tell(Event::Notification(Notification {
        number: 90,
        at: two_projects::now(),
        severity: Severity::Warning,
        environment: Some(name("globex/live")),
        text: "newer news".to_owned(),
        job: None,
        seen: false,
    }));
    cockpit.see("newer news").await;
    assert_eq!(selected(&cockpit), news);
}

alike!(the_chosen_backup_stays_chosen);
async fn the_chosen_backup_stays_chosen() {
    let cockpit = cockpit((120, 36), unchanged).await;
    // From the daily one to the upgrade backup, whose row moves up when the one above it goes.
    cockpit.press("jj").await.see("5ad0c3b2").await;
    {
        let mut state = cockpit.backend.state();
        let acme = state.environments.get_mut(&name("acme/live")).unwrap();
        acme.keep.manual = 0;
        acme.backups.retain(|backup| backup.id.short() != "90fe12d8");
    }
    cockpit.backend.tell(Event::Environment {
        name: name("acme/live"),
    });
    cockpit.see("45,186 items").await;
    cockpit.press("<Enter>").await.see("5ad0c3b2").await;
}
