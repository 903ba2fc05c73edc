//! Every example that needs no cluster runs to its end, and what it asserts holds.

macro_rules! runs {
    ($($name:ident),+ $(,)?) => {
        $(
            #[test]
            fn $name() {
                $name::main().expect("the example runs to its end");
            }
        )+
    };
}

#[path = "back_up_to_a_folder.rs"]
mod back_up_to_a_folder;
#[path = "dry_run.rs"]
mod dry_run;
#[path = "encrypt_and_sign.rs"]
mod encrypt_and_sign;
#[path = "flaky_store.rs"]
mod flaky_store;
#[path = "hooks.rs"]
mod hooks;
#[path = "list_and_delete.rs"]
mod list_and_delete;
#[path = "migrate.rs"]
mod migrate;
#[path = "own_action.rs"]
mod own_action;
#[path = "own_store.rs"]
mod own_store;
#[path = "own_transform.rs"]
mod own_transform;
#[path = "progress.rs"]
mod progress;
#[path = "resource_modifiers.rs"]
mod resource_modifiers;
#[path = "restore_under_another_name.rs"]
mod restore_under_another_name;
#[path = "schedules.rs"]
mod schedules;
#[path = "select_objects.rs"]
mod select_objects;
#[path = "update_existing.rs"]
mod update_existing;
#[path = "verify_and_copy.rs"]
mod verify_and_copy;

runs!(
    back_up_to_a_folder,
    dry_run,
    encrypt_and_sign,
    flaky_store,
    hooks,
    list_and_delete,
    migrate,
    own_action,
    own_store,
    own_transform,
    progress,
    resource_modifiers,
    restore_under_another_name,
    select_objects,
    schedules,
    update_existing,
    verify_and_copy,
);
