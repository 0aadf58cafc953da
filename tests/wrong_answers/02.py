"""Wrong answers to the exercises of notebook 02; see tests/test_exercises.py."""

import numpy as np


def conv_parameters__no_bias(window, channels, filters):
    """one bias for each filter"""
    return window * window * channels * filters


def conv_parameters__channels_forgotten(window, channels, filters):
    """looks at all channels that come in"""
    return (window * window + 1) * filters


def conv_parameters__a_bias_for_each_channel(window, channels, filters):
    """The bias belongs to the filter"""
    return (window * window + 1) * channels * filters


def side_after__only_one_block(side, blocks):
    """Take 4 off and halve again for each block"""
    return max(side - 4, 0) // 2


def side_after__rounded_up(side, blocks):
    """use // and do not round up"""
    for _ in range(blocks):
        side = -(-max(side - 4, 0) // 2)
    return side


def side_after__negative_sides(side, blocks):
    """cannot become negative"""
    for _ in range(blocks):
        side = (side - 4) // 2
    return side


def early_stopping__counted_from_zero(val_losses, patience, min_delta=1e-4):
    """Count from 1"""
    best_loss, best_epoch = float("inf"), 0
    for epoch, loss in enumerate(val_losses):
        if loss < best_loss - min_delta:
            best_loss, best_epoch = loss, epoch
        if epoch - best_epoch >= patience:
            break
    return epoch, best_epoch


def early_stopping__min_delta_ignored(val_losses, patience, min_delta=1e-4):
    """the best loss minus min_delta"""
    best_loss, best_epoch = float("inf"), 0
    for epoch, loss in enumerate(val_losses, start=1):
        if loss < best_loss:
            best_loss, best_epoch = loss, epoch
        if epoch - best_epoch >= patience:
            break
    return epoch, best_epoch


def early_stopping__compared_with_the_epoch_before(val_losses, patience, min_delta=1e-4):
    """neither beats the best so far"""
    previous, best_epoch = float("inf"), 0
    for epoch, loss in enumerate(val_losses, start=1):
        if loss < previous - min_delta:
            best_epoch = epoch
        previous = loss
        if epoch - best_epoch >= patience:
            break
    return epoch, best_epoch


def early_stopping__never_stops(val_losses, patience, min_delta=1e-4):
    """it stops after epochs 3 and 4"""
    return len(val_losses), int(np.argmin(val_losses)) + 1


def loss_of_frequencies__other_logarithm(labels, share):
    """the natural logarithm"""
    return float(-np.log2(np.asarray(share)[np.asarray(labels)]).mean())


def loss_of_frequencies__no_minus(labels, share):
    """with a minus sign"""
    return float(np.log(np.asarray(share)[np.asarray(labels)]).mean())


def loss_of_frequencies__mean_over_classes(labels, share):
    """not over classes"""
    return float(-np.log(share).mean())
