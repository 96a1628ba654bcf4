"""Doctests run over the package only: what else lies here is data, and scripts that ask TensorFlow."""


def pytest_ignore_collect(collection_path):
    if collection_path.suffix == ".py" and not collection_path.name.startswith("test_"):
        return True
    return None
