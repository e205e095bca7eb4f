//! What has to be known before anything is done is on the screen: who stops Magnolia, which restore an undo takes back, and
//! that a backup holds less than the one before.

use lifeboat::domain::backup::BackupId;
use lifeboat::domain::job::{JobId, JobKind};
use lifeboat::domain::newer::Newer;
use lifeboat::domain::plan::{RestorePlan, Selection, Stopping};
use lifeboat::domain::request::RestoreRequest;
use lifeboat::domain::shrinking::Less;
use lifeboat::domain::state::UndoWay;
use lifeboat::domain::undoing::UndoOf;

use crate::look;
use crate::made_up::records::add_a_little_one_by_hand;
use crate::made_up::{Fixture, State, name, two_projects};
use crate::screens::runner::{Runner, alike};

alike!(a_plan_says_who_stops_magnolia);
async fn a_plan_says_who_stops_magnolia() {
    let fixture = |by_hand: &[&str], by_hooks: &[&str]| {
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        let stopping = Stopping {
            by_hand: words(by_hand),
            by_hooks: words(by_hooks),
        };
        Fixture::with(|state: &mut State| {
            if let Ok(plan) = &mut state.plan {
                plan.warnings.splice(0..0, stopping.by_hand.iter().cloned());
                plan.stopping = stopping.clone();
            }
        })
    };
    let by_hand = fixture(&["Stop Magnolia on author before the restore"], &[]);
    let cockpit = Runner::start((120, 36), by_hand).await;
    cockpit.see("daily").await;
    cockpit
        .press("r<Enter><Enter>")
        .await
        .see("! Stop Magnolia on author before")
        .await;
    let by_hooks = fixture(&[], &["Lifeboat stops and starts Magnolia on author"]);
    let cockpit = Runner::start((120, 60), by_hooks).await;
    cockpit.see("daily").await;
    cockpit
        .press("r<Enter><Enter>")
        .await
        .see("Lifeboat stops and starts Magnolia on author")
        .await;
}

alike!(an_undo_says_which_restore_it_takes_back);
async fn an_undo_says_which_restore_it_takes_back() {
    let undoes = |state: &mut State| {
        let live = state.environments.get_mut(&name("acme/live")).unwrap();
        live.undo_way = Some(UndoWay::Safety {
            backup: two_projects::id(5),
        });
    };
    let cockpit = Runner::start((120, 36), Fixture::with(undoes)).await;
    cockpit.see("daily").await;
    cockpit
        .press("u")
        .await
        .see("It undoes the restore of job 41")
        .await;
}

alike!(an_undo_of_an_undo_is_called_one);
async fn an_undo_of_an_undo_is_called_one() {
    let undoes = |state: &mut State| {
        let live = state.environments.get_mut(&name("acme/live")).unwrap();
        two_projects::has_replaced(live, 43);
        live.undo_of = Some(UndoOf {
            kind: Some(JobKind::Undo),
            job: Some(JobId(43)),
            at: None,
        });
    };
    let cockpit = Runner::start((120, 36), Fixture::with(undoes)).await;
    cockpit.see("replaced tables").await;
    cockpit
        .press("u")
        .await
        .see("Undo the last undo of acme/live")
        .await
        .see("the tables that the last undo replaced")
        .await
        .press("<Enter>")
        .await
        .see("is exchanged with what the last undo replaced")
        .await;
}

alike!(before_a_backup_it_is_said_which_kept_one_may_go_for_it);
async fn before_a_backup_it_is_said_which_kept_one_may_go_for_it() {
    let kept = |state: &mut State| {
        add_a_little_one_by_hand(state.environments.get_mut(&name("acme/live")).unwrap());
    };
    look(
        "backup-for-which-a-kept-one-may-go",
        kept,
        &[("", "daily"), ("b", "Look whether Live is whole first")],
    )
    .await;
}

alike!(a_backup_that_holds_less_says_so_in_the_table_and_on_its_page);
async fn a_backup_that_holds_less_says_so_in_the_table_and_on_its_page() {
    let less = |state: &mut State| {
        let live = state.environments.get_mut(&name("acme/live")).unwrap();
        live.backups[0].less = Some(Less {
            percent: 93,
            part: None,
            bytes: false,
            rows: false,
            than: live.backups[1].manifest.taken,
        });
    };
    let cockpit = Runner::start((120, 36), Fixture::with(less)).await;
    cockpit.see("93 % fewer items").await;
    // The page says which backup it is compared with.
    cockpit
        .press("<Enter>")
        .await
        .see("93 % fewer items than the backup of")
        .await;
}

alike!(the_plan_of_a_part_names_a_newer_backup_only_where_it_may_hold_that);
async fn the_plan_of_a_part_names_a_newer_backup_only_where_it_may_hold_that() {
    type Fit = fn(&RestoreRequest, &mut RestorePlan);
    fn part(plan: &mut RestorePlan) {
        let page = "author:/website/acme/news".parse().unwrap();
        plan.selection = Selection::of_paths(Vec::new(), vec![page]).unwrap();
        plan.backup.manifest.taken = plan.made - chrono::Duration::days(30);
    }
    fn newest() -> BackupId {
        two_projects::backups().remove(0).id
    }
    let said: [(Fit, Option<&str>); 3] = [
        // Whoever looks for a lost page has chosen an older backup as the newer one lacks it.
        (|_, plan| part(plan), None),
        (
            |_, plan| {
                part(plan);
                plan.newer = Some(Newer::Holds(newest()));
            },
            Some("holds what was chosen too"),
        ),
        (
            |_, plan| {
                part(plan);
                plan.newer = Some(Newer::NotLooked(newest()));
            },
            Some("not looked whether it holds what was chosen"),
        ),
    ];
    for (fit_plan, words) in said {
        let fixture = Fixture::with(|state: &mut State| state.fit_plan = fit_plan);
        let cockpit = Runner::start((160, 36), fixture).await;
        cockpit.see("daily").await;
        cockpit.press("r<Enter><Enter>").await.see("loses").await;
        let text = cockpit.text();
        assert_eq!(text.contains(", verified, of "), words.is_some(), "{text}");
        assert!(words.is_none_or(|words| text.contains(words)), "{text}");
    }
}

alike!(the_plan_of_an_older_backup_says_that_there_is_a_newer_one);
async fn the_plan_of_an_older_backup_says_that_there_is_a_newer_one() {
    for days in [0, 30] {
        let older = |state: &mut State| {
            if let Ok(plan) = &mut state.plan {
                plan.backup.manifest.taken = plan.made - chrono::Duration::days(days);
            }
        };
        let cockpit = Runner::start((120, 36), Fixture::with(older)).await;
        cockpit.see("daily").await;
        cockpit.press("r<Enter><Enter>").await.see("loses").await;
        let says_so = cockpit.text().contains(", verified, of ");
        assert_eq!(says_so, days > 0, "{}", cockpit.text());
    }
}
