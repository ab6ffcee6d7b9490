def settings_of(file: Path | None, overrides: tuple[str, ...], options: dict[str, Any], epochs: int | None) -> dict[str, Any]:
    """Settings of the file, then of `--set`, then of the options that were given; the later win over the file alone."""
    values = read_yaml(file) if file is not None else {}
    chosen = parse_overrides(overrides)
    given = {key: value for key, value in options.items() if value is not None}
    twice = sorted(given.keys() & chosen.keys())
    if twice:
        raise InputError(f"'{twice[0]}' is given both by --{twice[0]} and by --set; expected it once")
    if epochs is not None:
        for settings in (values, chosen):  # what is no mapping would give way to the epochs unseen
            from_mapping(TrainingConfig, settings.get("training", {}), prefix="training.")
        if "epochs" in chosen.get("training", {}):
            raise InputError("'training.epochs' is given both by --epochs and by --set; expected it once")
        given["training"] = {"epochs": epochs}
    return merge(merge(values, chosen), given)
