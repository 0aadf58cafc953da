"""Does anything but the disease go with the class of a simulated radiograph? It must not, or a network learns that."""

import pandas as pd
from scipy import stats

from data_samples import simulate

LEVEL = 0.01 / 15  # of one test: Bonferroni over all of them, so that one seed in a hundred fails by chance


def independence(table):
    """Probability of a dependence on the class as strong as the one found, for everything that is not disease.

    Parameters
    ----------
    table : pandas.DataFrame
        Metadata as `simulate.generate` makes them. Only the first image of a patient counts, so that rows are
        independent.

    Returns
    -------
    dict of str to float
        Name and p value: chi-square for categories, Kruskal and Wallis for numbers.
    """
    first = table.drop_duplicates("patient_id")
    rows = []
    for row in first.itertuples():
        patient = simulate.draw_patient(row.seed, int(row.patient_id[1:]), site=row.site)
        pose, exposure = simulate.draw_pose(patient, 1), simulate.draw_exposure(patient, 1)
        rows.append({
            "site": row.site, "sex": row.sex, "view": row.view, "marker": exposure.marker,
            "text": "yes" if exposure.stamp else "no", "age": row.age,
            "marker height": exposure.marker_size, "marker place": exposure.marker_at[0], "dose": exposure.dose,
            "beam": exposure.hardness, "contrast": exposure.gamma, "position": pose.x0, "rotation": pose.turn,
            "inspiration": pose.breath, "field": pose.field / patient.width,
        })
    facts = pd.DataFrame(rows)
    labels = first["label"].to_numpy()
    found = {}
    for name, values in facts.items():
        if values.nunique() < 2:
            continue
        if values.dtype == object or values.dtype == "str":
            found[name] = float(stats.chi2_contingency(pd.crosstab(values.to_numpy(), labels)).pvalue)
        else:
            found[name] = float(stats.kruskal(*[values[labels == label] for label in simulate.LABELS]).pvalue)
    return found
