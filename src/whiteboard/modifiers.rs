//! Modifier keys between Bevy and egui, which bevy_egui knows as they are once a frame.

use bevy::ecs::schedule::ScheduleConfigs;
use bevy::ecs::system::ScheduleSystem;
use bevy::input::keyboard::{Key, KeyboardInput};
use bevy::prelude::*;
use bevy_egui::input::ModifierKeysState;
use bevy_egui::{EguiInput, EguiInputSet, EguiPreUpdateSet};

/// The modifier keys that are really held, while they are said to be otherwise.
#[derive(Resource, Default)]
pub struct Held(Option<ModifierKeysState>);

/// What has to happen beside bevy_egui's own systems, before each frame.
pub fn systems() -> ScheduleConfigs<ScheduleSystem> {
    (
        hold.after(EguiInputSet::InitReading).before(EguiInputSet::ReadBevyMessages),
        let_go.after(EguiInputSet::ReadBevyMessages).before(EguiInputSet::WriteEguiEvents),
        quiet.after(EguiPreUpdateSet::ProcessInput).before(EguiPreUpdateSet::BeginPass),
    )
        .into_configs()
}

/// All keys of a frame are told with the modifiers that are held at its end. A chord that is over by then, as on a slow
/// machine most are, would be its letter alone: so a modifier that was touched counts as held until the end.
fn hold(mut messages: MessageReader<KeyboardInput>, mut state: ResMut<ModifierKeysState>, mut held: ResMut<Held>) {
    let now = *state;
    for message in messages.read() {
        match message.logical_key {
            Key::Shift => state.shift = true,
            Key::Control => state.ctrl = true,
            Key::Alt => state.alt = true,
            Key::Super | Key::Meta => state.win = true,
            _ => {}
        }
    }
    held.0 = Some(now);
}

fn let_go(mut state: ResMut<ModifierKeysState>, mut held: ResMut<Held>) {
    if let Some(now) = held.0.take() {
        *state = now;
    }
}

/// egui is told of modifier keys only when they change: told at every frame, it would want another one each time.
fn quiet(mut inputs: Query<&mut EguiInput>, mut held: Local<Option<egui::Modifiers>>) {
    for mut input in &mut inputs {
        input.events.retain(|event| match event {
            egui::Event::ModifiersChanged(now) => held.replace(*now) != Some(*now),
            _ => true,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bevy::input::ButtonState;
    use bevy_egui::input::write_modifiers_keys_state_system;

    #[derive(Resource, Default)]
    struct Seen(Vec<bool>);

    fn look(state: Res<ModifierKeysState>, mut seen: ResMut<Seen>) {
        seen.0.push(state.ctrl);
    }

    #[test]
    fn only_news_of_modifier_keys_reaches_egui() {
        let mut app = App::new();
        app.add_systems(Update, quiet);
        let window = app.world_mut().spawn(EguiInput::default()).id();
        let mut heard = |held: egui::Modifiers| {
            let mut input = app.world_mut().get_mut::<EguiInput>(window).expect("a window");
            input.events = vec![egui::Event::ModifiersChanged(held), egui::Event::PointerGone];
            app.update();
            app.world().get::<EguiInput>(window).expect("a window").events.len()
        };
        let (none, shift) = (egui::Modifiers::NONE, egui::Modifiers::SHIFT);
        assert_eq!([none, none, shift, shift, none].map(&mut heard), [2, 1, 2, 1, 2]);
    }

    #[test]
    fn a_chord_within_one_frame_is_a_chord() {
        let mut app = App::new();
        app.add_message::<KeyboardInput>().add_message::<bevy::input::keyboard::KeyboardFocusLost>();
        app.init_resource::<ModifierKeysState>().init_resource::<Held>().init_resource::<Seen>();
        app.add_systems(PreUpdate, (write_modifiers_keys_state_system, hold, look, let_go).chain());
        let key = |logical_key: Key, state: ButtonState| KeyboardInput {
            key_code: KeyCode::KeyK,
            logical_key,
            state,
            text: None,
            repeat: false,
            window: Entity::PLACEHOLDER,
        };
        for (down, up) in [(true, true), (false, false), (true, false), (false, false), (false, true), (false, false)] {
            if down {
                app.world_mut().write_message(key(Key::Control, ButtonState::Pressed));
            }
            if up {
                app.world_mut().write_message(key(Key::Control, ButtonState::Released));
            }
            app.update();
        }
        assert_eq!(app.world().resource::<Seen>().0, [true, false, true, true, true, false]);
    }
}
