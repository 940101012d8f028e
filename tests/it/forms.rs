//! Every parameter of every kind and of links can be edited part by part, and each part is explained.

use std::collections::BTreeSet;
use tailboard::base::{Dist, Span};
use tailboard::design::{LinkSpec, RetrySpec, WhenSpec};
use tailboard::kinds::form::NONE;
use tailboard::kinds::{Body, Form, KINDS, Param, Spec, Value};

/// Walk every parameter of every kind and of links, at its default and at each of its examples.
fn walk(see: &mut dyn FnMut(&str, &Param, &mut dyn Value)) {
    let mut visit = |owner: &str, param: &Param, value: &mut dyn Value| {
        let plain = value.text();
        for text in std::iter::once(plain.as_str()).chain(param.examples.iter().copied()) {
            value.set(text).expect("an example");
            see(&format!("{owner}.{}", param.name), param, value);
        }
        value.set(&plain).expect("the default");
    };
    for meta in KINDS {
        let mut spec = Spec::new(meta.key).expect("in the catalogue");
        spec.visit(&mut |param: &Param, value: &mut dyn Value| visit(meta.key, param, value));
    }
    LinkSpec::default().visit(&mut |param: &Param, value: &mut dyn Value| visit("link", param, value));
}

#[test]
fn a_form_says_what_its_value_says() {
    walk(&mut |path, _, value| {
        let text = value.text();
        let form = Form::of(value);
        value.set(&form.text()).unwrap_or_else(|problem| panic!("{path} {}: {problem}", form.text()));
        assert_eq!(value.text(), text, "{path}: {}", form.text());
    });
}

fn places(form: &Form, place: &mut Vec<usize>, see: &mut dyn FnMut(&Form, &[usize])) {
    see(form, place);
    for (i, part) in form.parts().iter().enumerate() {
        place.push(i);
        places(part, place, see);
        place.pop();
    }
}

#[test]
fn whatever_can_be_chosen_or_switched_on_is_taken() {
    let mut wrong = BTreeSet::new();
    walk(&mut |path, param, value| {
        let (form, plain) = (Form::of(value), value.text());
        places(&form, &mut Vec::new(), &mut |part, place| {
            let mut try_all = |name: &str, texts: Vec<String>| {
                let taken = texts.iter().any(|text| value.set(&form.with(place, text).text()).is_ok());
                if !taken {
                    wrong.insert(format!("{path} {}: {name}", part.name));
                }
            };
            for name in part.choices() {
                try_all(name, part.chosen(name, param));
            }
            if part.can_be_off() {
                try_all(NONE, vec![NONE.to_owned()]);
                try_all("on", part.switched_on(param));
            }
        });
        value.set(&plain).expect("as before");
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_each_part_and_each_choice_does_is_said() {
    let mut missing = BTreeSet::new();
    walk(&mut |path, param, value| {
        places(&Form::of(value), &mut Vec::new(), &mut |part, _| {
            if !part.is_switch() {
                missing.extend(
                    part.choices()
                        .into_iter()
                        .filter(|name| param.of_part(name).is_none())
                        .map(|name| format!("{path}: {name}")),
                );
            }
            let fields = part.slot.fields.iter().filter(|field| param.of_part(field).is_none());
            missing.extend(fields.map(|field| format!("{path}: {field}")));
            if let Body::Fields(_, parts) = &part.body {
                let parts = parts.iter().filter(|part| param.of_part(&part.name).is_none());
                missing.extend(parts.map(|part| format!("{path}: {}", part.name)));
            }
        });
        let ends = param.parts.iter().filter(|(_, help)| !help.ends_with('.'));
        missing.extend(ends.map(|(name, help)| format!("{path}: {name}: {help}")));
    });
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn the_parts_of_a_policy_are_known_without_being_written() {
    let retry = Form::of(&Some(RetrySpec::default()));
    let names: Vec<&str> = retry.parts().iter().map(|part| part.name.as_str()).collect();
    assert_eq!(names, ["attempts", "backoff", "budget"]);
    assert_eq!(retry.parts()[1].parts()[0].choices(), ["Fixed", "Exponential"]);
    assert_eq!(retry.parts()[1].parts()[0].choice(), "Exponential");
    assert!(retry.parts()[2].can_be_off() && retry.parts()[2].is_off());
    let when = Form::of(&WhenSpec::default());
    assert_eq!(when.parts()[0].name, "classes");
    assert_eq!(when.parts()[0].text(), "");
}

#[test]
fn another_shape_keeps_the_mean() {
    let form = Form::of(&Dist::exponential(Span::from_millis(8)));
    assert_eq!((form.choice(), form.parts()[0].text().as_str()), ("Exponential", "\"8ms\""));
    let param = Param::new("work", "", &[]);
    assert_eq!(form.chosen("Constant", &param)[1], "\"8ms\"");
    assert_eq!(form.chosen("LogNormal", &param)[1], "LogNormal(mean:\"8ms\",cv:1.0)");
}
